import { useChat } from '@ai-sdk/react';
import { ChatbotTransport, type ChatbotUIMessage } from '@learning-yogi/ai-chatbot/ai-sdk';
import { useState } from 'react';
import { createRoot } from 'react-dom/client';

const transport = new ChatbotTransport({ apiUrl: 'http://127.0.0.1:8080' });

function App() {
  const [text, setText] = useState('');
  const { messages, sendMessage, stop, status } = useChat<ChatbotUIMessage>({ transport });
  return (
    <>
      {messages.map(({ id, role, parts }) => (
        <p key={id} data-role={role}>
          {parts.map((part) => (part.type === 'text' ? part.text : ''))}
        </p>
      ))}
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void sendMessage({ text });
          setText('');
        }}
      >
        <input
          aria-label="Message"
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
        <button type="submit">Send</button>
        <button type="button" disabled={status === 'ready'} onClick={() => void stop()}>
          Stop
        </button>
      </form>
    </>
  );
}

createRoot(document.getElementById('root')!).render(<App />);
