"""What an application holds: one client a kind, blocking and asynchronous side by side, two lines a verb."""
