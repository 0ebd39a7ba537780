"""One verb each: options in, a `Report` out; nothing here prints."""
