"""What the API says of itself: the OpenAPI document, made of the routes and their models, and a page to read it by."""
