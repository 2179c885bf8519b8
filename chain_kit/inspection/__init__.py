"""What an outbox holds, as people ask about it: its rows, the chain beside them, and what is to be done."""
