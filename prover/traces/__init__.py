"""From a batch's witness to the columns of the four tables."""
