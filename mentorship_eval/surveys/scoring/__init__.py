"""Items to scores."""
