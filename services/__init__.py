"""What Reelay does. Knows neither Telegram nor SQL; called by bot/, calls storage/."""
