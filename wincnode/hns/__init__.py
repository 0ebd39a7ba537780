"""Networks of the Host Network Service: documents, features, and plans. Nothing here acts."""
