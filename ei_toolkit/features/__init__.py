"""Summary features of whole clips or windows, computed with librosa, and tables of them."""
