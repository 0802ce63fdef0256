"""What each build backend makes of the tables and files that it reads."""
