"""The building blocks of every page: cards, pills, headers, notices, fields, tables, dialogs and views."""
