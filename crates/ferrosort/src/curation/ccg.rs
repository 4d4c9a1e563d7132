//! ccg
