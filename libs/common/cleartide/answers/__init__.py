"""What each route answers, as the document and the typed clients have it.

Routes serve bytes and pay for no validation; that what is served is what is written here is checked by the tests,
which hold every answer they get against the document. Amounts, prices, sizes and rates are decimal strings; instants
are microseconds since the Unix epoch (UTC); `next` is the `before` of the page that follows, null on the last.
"""
