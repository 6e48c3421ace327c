interface ImportMeta {
  readonly env: { readonly VITE_CHATBOT_API_URL?: string };
}
