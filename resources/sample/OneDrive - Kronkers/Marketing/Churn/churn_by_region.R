# Who leaves us, and where? A first logistic regression, to be discussed on Monday.
customers <- read.csv("customers.csv")

by_region <- aggregate(churned ~ region, data = customers, FUN = mean)
print(by_region[order(-by_region$churned), ])

model <- glm(churned ~ complaints + orders_per_year + region, data = customers, family = binomial)
print(summary(model))

saveRDS(by_region, "churn_by_region.rds")
