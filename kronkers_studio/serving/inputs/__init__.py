"""What a request says, as the arrays that a model takes.

row_reader      rows of JSON
example_rows    a row that a model can be tried with
csv_rows        rows as CSV
arrow_rows      rows as Arrow streams and files
arrow_messages  the messages of an Arrow stream or file
arrow_batches   the columns of Arrow's record batches
arrow_answers   answers as an Arrow stream
arrow_types     what Arrow calls its types
flat_tables     the FlatBuffers that Arrow describes its data by
tensors         tensors of the Open Inference Protocol, as JSON and as bytes
table_inputs    several columns as the one matrix that a library takes
"""
