"""The invoice on paper: document.py says what it says, render.py sets it, service.py keeps the bytes."""
