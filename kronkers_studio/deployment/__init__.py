"""SSH connections, the Docker engine behind them, releases on servers and on this computer."""
