"""Scripts that tests run in processes of their own are not tests."""

collect_ignore_glob = ["script_*.py"]
