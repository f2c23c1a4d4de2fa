"""From bytes to records: containers make raw rows, formats make records, versions freeze them."""
