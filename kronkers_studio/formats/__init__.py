"""Formats of data files: bytes become columns, previews, differences and merges. Knows files only, no workspace.

The libraries that read tables (polars, calamine, openpyxl) are large, and what they read is of unknown origin: a
damaged or a hostile file makes them panic, abort, compute for hours, or ask for more memory than there is. So they run
in a process of their own, which is confined (docs/decisions/0016):

``table_reading``   what the rest of the program calls: a ``TableReader`` has tables read elsewhere, within limits
``table_worker``    that process as seen from this one: started, asked, watched, ended
``table_process``   the program that reads them
``table_messages``  what travels between the two; answers are data from outside, and checked as such;
                    ``profile_messages`` are reference profiles, ``column_messages`` whole columns

``table_files``, ``table_diff``, ``table_keys``, ``table_merge``, ``table_file_merge``, ``table_previews``,
``table_views``, ``table_columns``, ``table_profiles``, ``profiled_columns``, ``column_profiles``, ``row_grids``,
``column_reading``, ``csv_columns`` and ``xlsx_headers`` are what that program does. Nobody else calls what they have
for Parquet files and workbooks; the beginning of a CSV file (``delimited``) is read by the standard library, and
bounded, so that it may be read anywhere.

``workbook_writing`` writes workbooks without temporary files, in either process.

``text_encoding``, ``line_diff`` and ``text_diff`` are the same for text; ``file_merge`` chooses how two files merge.
"""
