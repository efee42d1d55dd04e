-- Sites of places whose records are not here: their cells came with a snapshot before the catalogue, or the catalogue
-- was not believed. A site that goes takes its cells with it all the same.
CREATE TABLE absent_place (location BLOB PRIMARY KEY, site TEXT NOT NULL) STRICT, WITHOUT ROWID;
