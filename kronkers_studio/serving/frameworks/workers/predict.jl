# Answers rows with a Julia object: julia predict.jl MODEL.jls CODE.jl [CLASS ...]
#
# Frames come on standard input and go to standard output, as kronkers_studio/serving/worker_frames.py has them; what the
# code prints goes nowhere near them. CODE.jl defines predict(model, columns), with columns a named tuple of vectors: it
# gives a number for each row, or with classes a matrix of their probabilities, a row for each.
module Worker

using Serialization

const ANSWERED, REFUSED, FAILED = 0, 1, 2
const NUMBERS, TEXTS = 0, 1

struct Setup
    names::Vector{Symbol}
    kinds::Vector{String}
end

# ---- frames ----

read_number(from) = Int(ltoh(read(from, Int32)))

function read_texts(from, count)
    lengths = [read_number(from) for _ in 1:count]
    return Union{Missing,String}[length < 0 ? missing : String(read(from, length)) for length in lengths]
end

function read_column(from, kind)
    of, rows, _, _ = (read_number(from) for _ in 1:4)
    of == TEXTS && return without_missing(read_texts(from, rows))
    values = [ltoh(read(from, Float64)) for _ in 1:rows]
    kind == "truth" && return values .!= 0
    any(isnan, values) || return values
    return Union{Missing,Float64}[isnan(value) ? missing : value for value in values]
end

without_missing(values) = any(ismissing, values) ? values : String[value for value in values]

function read_setup(from)
    count = read_number(from)
    names, kinds = read_texts(from, count), read_texts(from, count)
    for _ in 1:count
        read_texts(from, read_number(from)) # the levels, which the service has looked at
    end
    return Setup(Symbol.(names), kinds)
end

write_number(to, number) = write(to, htol(Int32(number)))

function write_texts(to, texts)
    foreach(text -> write_number(to, text === missing ? -1 : sizeof(text)), texts)
    foreach(text -> text === missing || write(to, text), texts)
end

function write_answer(to, name, values)
    write_texts(to, [name])
    foreach(number -> write_number(to, number), (NUMBERS, length(values), 1, 0))
    foreach(value -> write(to, htol(value === missing ? NaN : Float64(value))), values)
end

function write_labels(to, name, values)
    write_texts(to, [name])
    foreach(number -> write_number(to, number), (TEXTS, length(values), 1, 0))
    write_texts(to, values)
end

function write_answer(to, name, values::AbstractMatrix, columns)
    write_texts(to, [name])
    foreach(number -> write_number(to, number), (NUMBERS, size(values, 1), size(values, 2), length(columns)))
    write_texts(to, columns)
    foreach(value -> write(to, htol(value === missing ? NaN : Float64(value))), values) # column by column
end

function said(status, text)
    to = IOBuffer()
    write_number(to, status)
    write_texts(to, [text])
    return take!(to)
end

# ---- answers ----

function answer(predict, model, setup, classes, from)
    count = read_number(from)
    columns = NamedTuple{Tuple(setup.names)}(Tuple(read_column(from, setup.kinds[place]) for place in 1:count))
    found = Base.invokelatest(predict, model, columns)
    to = IOBuffer()
    write_number(to, ANSWERED)
    if isempty(classes)
        found isa AbstractVector || error("predict gives no vector with a number for each row")
        write_number(to, 1)
        write_answer(to, "output", found)
    else
        found isa AbstractMatrix && size(found, 2) == length(classes) ||
            error("predict gives no matrix with the probability of each class")
        write_number(to, 2)
        write_labels(to, "label", Union{Missing,String}[likeliest(row, classes) for row in eachrow(found)])
        write_answer(to, "probabilities", found, classes)
    end
    return take!(to)
end

likeliest(row, classes) = any(value -> value === missing || isnan(value), row) ? missing : classes[argmax(row)]

# ---- the process ----

function ask(questions)
    eof(questions) && return nothing
    return IOBuffer(read(questions, read_number(questions)))
end

function say(answers, frame)
    write_number(answers, length(frame))
    write(answers, frame)
    flush(answers)
end

function tried(action)
    try
        return action()
    catch problem
        return said(FAILED, first(sprint(showerror, problem), 1000))
    end
end

function main(file, code, classes)
    questions, answers = stdin, open("/dev/stdout", "w")
    redirect_stdout(stderr)
    setup = read_setup(ask(questions))
    model = predict = nothing
    say(answers, tried() do
        Base.include(Main, code) # before: the object's types are defined there
        model = open(deserialize, file)
        predict = Base.invokelatest(getfield, Main, :predict)
        zeros(UInt8, 8)
    end)
    while (from = ask(questions)) !== nothing
        say(answers, tried(() -> answer(predict, model, setup, classes, from)))
    end
end

end

Worker.main(ARGS[1], ARGS[2], ARGS[3:end])
