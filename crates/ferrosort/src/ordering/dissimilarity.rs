//! dissimilarity
