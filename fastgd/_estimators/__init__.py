"""What all estimators share: users' data checked, frames read, callbacks told."""
