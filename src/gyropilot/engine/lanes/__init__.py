"""Long-lived worker processes that train in small chunks, share the prepared data and can be killed."""
