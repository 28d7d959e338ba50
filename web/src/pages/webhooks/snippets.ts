import type { Language } from '../../ui/Code.tsx';

export interface Snippet {
  id: string;
  title: string;
  language: Language;
  install: string;
  code: string;
}

/** How a receiver proves that a request is genuine, in the libraries that are kept for it. */
export const SNIPPETS: Snippet[] = [
  {
    id: 'node',
    title: 'Node',
    language: 'javascript',
    install: 'npm install express @cstar/client',
    code: `import express from 'express';
import { verifyWebhook } from '@cstar/client';

const app = express();

// The bytes as they came: what is parsed and written again may be others.
app.post('/webhook', express.raw({ type: 'application/json' }), async (req, res) => {
  try {
    const event = await verifyWebhook(req.body, req.headers, process.env.WEBHOOK_SECRET);
    console.log(event.type, event.data);
  } catch {
    return res.status(401).json({ error: 'Invalid signature' });
  }
  res.json({ received: true });
});

app.listen(3000);`,
  },
  {
    id: 'python',
    title: 'Python',
    language: 'python',
    install: 'pip install flask standardwebhooks',
    code: `import os
from flask import Flask, request
from standardwebhooks import Webhook, WebhookVerificationError

app = Flask(__name__)
webhook = Webhook(os.environ["WEBHOOK_SECRET"])

@app.post("/webhook")
def receive():
    try:
        event = webhook.verify(request.get_data(), request.headers)
    except WebhookVerificationError:
        return {"error": "Invalid signature"}, 401
    print(event["type"], event["data"])
    return {"received": True}`,
  },
  {
    id: 'rust',
    title: 'Rust',
    language: 'rust',
    install: 'cargo add standardwebhooks http',
    code: `use http::HeaderMap;
use standardwebhooks::{Webhook, WebhookError};

/// \`body\`: the bytes as they came, before anything parses them.
fn is_genuine(body: &[u8], headers: &HeaderMap) -> Result<(), WebhookError> {
    let secret = std::env::var("WEBHOOK_SECRET").expect("WEBHOOK_SECRET is set");
    Webhook::new(&secret)?.verify(body, headers)
}`,
  },
  {
    id: 'go',
    title: 'Go',
    language: 'go',
    install: 'go get github.com/standard-webhooks/standard-webhooks/libraries',
    code: `package main

import (
	"io"
	"log"
	"net/http"
	"os"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

func main() {
	webhook, err := standardwebhooks.NewWebhook(os.Getenv("WEBHOOK_SECRET"))
	if err != nil {
		log.Fatal(err)
	}
	http.HandleFunc("POST /webhook", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || webhook.Verify(body, r.Header) != nil {
			http.Error(w, "Invalid signature", http.StatusUnauthorized)
			return
		}
		w.WriteHeader(http.StatusOK)
	})
	log.Fatal(http.ListenAndServe(":3000", nil))
}`,
  },
];
