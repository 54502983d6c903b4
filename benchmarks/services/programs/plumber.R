# The service as plumber's guide has it.
model <- readRDS("model.rds")

#* @post /predict
#* @serializer unboxedJSON
function(req) {
  rows <- as.data.frame(req$body)
  list(outputs = unname(predict(model, rows)))
}
