predict(model, columns) = model.intercept .+ model.weight .* columns.wt .+ getindex.(Ref(model.by_gear), columns.gear)
