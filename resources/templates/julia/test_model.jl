# Tries the model on data/test.csv, rows that it was not trained on; fails when too few answers are right.

using Serialization

cd(@__DIR__)
include("table.jl")
include("@NAME@.jl")

const ENOUGH = 0.7
columns, answers = read_table("data/test.csv")
said = predict(deserialize("@NAME@.jls"), columns)[:, 2] .> 0.5
share = sum(said .== answers) / length(answers)
println("$(round(Int, 100 * share))% of $(length(answers)) answers are right")
share >= ENOUGH || error("$(round(Int, 100 * ENOUGH))% are asked for")
