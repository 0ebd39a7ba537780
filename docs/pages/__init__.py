"""The pages that come from code and data, one module for each subject."""
