"""Finding, classifying and planning what lies in OneDrive and other folders, and reading it safely."""
