"""What measurements are made with: load, systems under test, echoes, watches."""
