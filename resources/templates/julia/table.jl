# Reads the tables in data/: plain CSV, whose first line names the columns.

function read_table(file)
    lines = split.(readlines(file), ",")
    heading, rows = lines[1], lines[2:end]
    column(name) = [row[findfirst(isequal(name), heading)] for row in rows]
    names = ["temperature", "vibration", "load"]
    columns = NamedTuple{Tuple(Symbol.(names))}(Tuple(parse.(Float64, column(name)) for name in names))
    return columns, column("failure") .== "yes"
end
