"""Who speaks which protocol, and what they take: data, one small catalogue file per provider."""
