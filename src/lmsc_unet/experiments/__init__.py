"""The paper's evaluation as runs, tables and figures: recipes in, a report beside the paper's numbers out."""
