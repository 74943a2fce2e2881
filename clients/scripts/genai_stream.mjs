// @google/genai: generateContentStream, with the tool loop written out.
import { GoogleGenAI } from '@google/genai'
import { KEY, MODEL, PARAMETERS, PROMPT, SYSTEM, URL, writeFile } from './tools.mjs'

const client = new GoogleGenAI({ apiKey: KEY, vertexai: false, httpOptions: { baseUrl: URL } })
const contents = [{ role: 'user', parts: [{ text: PROMPT }] }]
const declared = { name: 'write_file', description: 'Write a text file', parametersJsonSchema: PARAMETERS }
const config = {
  systemInstruction: SYSTEM,
  tools: [{ functionDeclarations: [declared] }],
  thinkingConfig: { includeThoughts: true },
}
for (;;) {
  const parts = []
  for await (const chunk of await client.models.generateContentStream({ model: MODEL, contents, config })) {
    parts.push(...(chunk.candidates?.[0]?.content?.parts ?? []))
  }
  const calls = parts.filter((part) => part.functionCall)
  if (calls.length === 0) {
    console.log(parts.map((part) => (part.thought ? '' : (part.text ?? ''))).join(''))
    break
  }
  contents.push({ role: 'model', parts })
  const results = calls.map(({ functionCall: { id, name, args } }) => {
    const response = { result: writeFile(args) }
    return { functionResponse: { ...(id && { id }), name, response } }
  })
  contents.push({ role: 'user', parts: results })
}
