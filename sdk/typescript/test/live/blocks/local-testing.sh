# Forward events to a server on this machine.
cstar listen --forward-to http://localhost:3000/webhook

# In another terminal:
cstar trigger ticket.created
