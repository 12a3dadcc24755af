-- Why a view does not read on in a partition, as its projector told last; NULL: it does.
ALTER TABLE projector.position ADD COLUMN halted text;
