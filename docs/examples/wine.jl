# From a table to a live model, by the command line's --json. The sample was brought in as "analytics".
#
#   julia wine.jl              fits a multinomial regression, and puts it live on this computer as PMML
#   julia wine.jl factory      the same, on the server "factory"
#
# Needs Julia 1.5 or later and its standard library alone.

using Statistics, Random

const PLACE = isempty(ARGS) ? "this-computer" : ARGS[1]

# ---- one JSON document, as the command prints it ----

function json(text)
    bytes = collect(text)
    at = 1
    skip() = while at <= length(bytes) && isspace(bytes[at]); at += 1; end
    function value()
        skip()
        mark = bytes[at]
        mark == '{' && return object()
        mark == '[' && return list()
        mark == '"' && return string_()
        from = at
        while at <= length(bytes) && !(bytes[at] in (',', ']', '}')) && !isspace(bytes[at]); at += 1; end
        word = String(bytes[from:at-1])
        word == "null" ? nothing : word == "true" ? true : word == "false" ? false : parse(Float64, word)
    end
    function object()
        found = Dict{String,Any}()
        at += 1; skip()
        while bytes[at] != '}'
            key = string_(); skip(); at += 1
            found[key] = value(); skip()
            bytes[at] == ',' && (at += 1; skip())
        end
        at += 1
        found
    end
    function list()
        found = Any[]
        at += 1; skip()
        while bytes[at] != ']'
            push!(found, value()); skip()
            bytes[at] == ',' && (at += 1; skip())
        end
        at += 1
        found
    end
    function string_()
        out = IOBuffer()
        at += 1
        while bytes[at] != '"'
            if bytes[at] == '\\'
                at += 1
                letter = bytes[at]
                if letter == 'u'
                    print(out, Char(parse(Int, String(bytes[at+1:at+4]), base = 16))); at += 4
                else
                    print(out, get(Dict('n' => '\n', 't' => '\t', 'r' => '\r', 'b' => '\b', 'f' => '\f'), letter, letter))
                end
            else
                print(out, bytes[at])
            end
            at += 1
        end
        at += 1
        String(take!(out))
    end
    value()
end

kronkers(words...; input = devnull) = json(read(pipeline(`kronkers $words --json`, stdin = input), String))

# ---- 1. Read a table ----

const TABLE = "analytics:Quality/Wine/data/wine_measurements.csv"
table = kronkers("read", TABLE)
columns = [String(name) for name in table["columns"] if name != "cultivar"]
rows = shuffle(MersenneTwister(1), table["rows"])
train, test = rows[1:120], rows[121:end]
labels = sort(unique(String(row["cultivar"]) for row in rows))

# ---- 2. Train: a multinomial regression by gradient descent on standardised columns ----

number(value) = value === nothing ? NaN : Float64(value)
given(part) = [number(row[name]) for row in part, name in columns]
present(values) = filter(!isnan, values)
raw = given(train)
centre = [mean(present(raw[:, n])) for n in 1:length(columns)]
spread = [std(present(raw[:, n])) for n in 1:length(columns)]
function standard(part)
    values = given(part)
    [isnan(values[r, c]) ? 0.0 : (values[r, c] - centre[c]) / spread[c] for r in 1:size(values, 1), c in 1:size(values, 2)]
end
chances(scores) = (powers = exp.(scores .- maximum(scores, dims = 2)); powers ./ sum(powers, dims = 2))

function fit(x, wanted)
    weights, begin_ = zeros(size(x, 2), length(labels)), zeros(1, length(labels))
    for _ in 1:2000
        off = chances(x * weights .+ begin_) .- wanted
        weights .-= 0.5 .* (x' * off ./ size(x, 1) .+ 0.001 .* weights)
        begin_ .-= 0.5 .* mean(off, dims = 1)
    end
    weights, begin_
end
wanted = [row["cultivar"] == label ? 1.0 : 0.0 for row in train, label in labels]
weights, begin_ = fit(standard(train), wanted)
answers_of(part) = [labels[argmax(scores)] for scores in eachrow(standard(part) * weights .+ begin_)]
truth = [String(row["cultivar"]) for row in test]
own = answers_of(test)
accuracy = mean(own .== truth)

# ---- 3. Register, with metrics ----

escaped(text) = replace(replace(replace(text, "&" => "&amp;"), "<" => "&lt;"), "\"" => "&quot;")
function pmml()
    fields = join("<DataField name=\"$(escaped(name))\" optype=\"continuous\" dataType=\"double\"/>" for name in columns)
    values = join("<Value value=\"$(escaped(label))\"/>" for label in labels)
    mined = join("<MiningField name=\"$(escaped(columns[n]))\" missingValueReplacement=\"$(centre[n])\"/>" for n in 1:length(columns))
    tables = join(map(1:length(labels)) do place
        slopes = weights[:, place] ./ spread
        start = begin_[place] - sum(slopes .* centre)
        terms = join("<NumericPredictor name=\"$(escaped(columns[n]))\" coefficient=\"$(slopes[n])\"/>" for n in 1:length(columns))
        "<RegressionTable intercept=\"$start\" targetCategory=\"$(escaped(labels[place]))\">$terms</RegressionTable>"
    end)
    """<?xml version="1.0" encoding="UTF-8"?><PMML version="4.4" xmlns="http://www.dmg.org/PMML-4_4"><Header><Application name="Julia"/></Header>""" *
    """<DataDictionary>$fields<DataField name="cultivar" optype="categorical" dataType="string">$values</DataField></DataDictionary>""" *
    """<RegressionModel functionName="classification" normalizationMethod="softmax"><MiningSchema>$mined""" *
    """<MiningField name="cultivar" usageType="target"/></MiningSchema>$tables</RegressionModel></PMML>"""
end
kronkers("save", "models:wine/wine.pmml", "-", "--message", "a regression of Julia", "--create", input = IOBuffer(pmml()))
version = kronkers("model", "register", "models:wine/wine.pmml", "--name", "wine", "--metric", "accuracy=$accuracy", "--data", TABLE)

# ---- 4. Package: for a server that is done on the way there ----

PLACE == "this-computer" && kronkers("package", "wine")

# ---- 5. Put it live ----

release = kronkers("release", "wine", "--to", PLACE)

# ---- 6. Predict ----

cell(value) = value === nothing ? "" : string(value)
csv = join([join(columns, ","); [join((cell(row[name]) for name in columns), ",") for row in test]], "\n")
answers = kronkers("predict", "wine", "--in", PLACE, "--input", "-", input = IOBuffer(csv))
correct = mean(String.(answers["outputs"]) .== truth)

# ---- 7. Read its series ----

series = kronkers("metrics", "wine", "--in", PLACE, "--since", "1h")["series"]
same = String.(answers["outputs"]) == own
println("""{"version": $(Int(version["version"])), "release": "r$(Int(release["number"]))", "accuracy": $accuracy, """ *
        """"correct": $correct, "same": $same, "readings": $(length(series["memory"]))}""")
