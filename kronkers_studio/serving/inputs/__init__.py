"""What a request says, as the arrays that a model takes.

row_reader      rows of JSON
example_rows    a row that a model can be tried with
csv_rows        rows as CSV
tensors         tensors of the Open Inference Protocol, as JSON and as bytes
table_inputs    several columns as the one matrix that a library takes
"""
