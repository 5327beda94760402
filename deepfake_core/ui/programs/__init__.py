"""The interface for programs: endpoints for Python, curl and MCP, and the page that shows their calls."""
