"""Treatment that begins during follow-up: person-periods, marginal structural models, sequential trials."""
