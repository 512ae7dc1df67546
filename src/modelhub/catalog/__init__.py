"""What there is to choose from: the cards of models, by source."""
