"""Looking at data and at what networks learnt."""
