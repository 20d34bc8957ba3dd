{{/* Who may ask: readers, and the other ingesters. */}}
{{- define "tributary.queries" -}}
# Grafana and Prometheus, and the other ingesters.
- from:
    {{- toYaml .Values.networkPolicy.readers | nindent 4 }}
    - podSelector:
        matchLabels: {tributary.dev/query: "true"}
  ports:
    - {port: 3200, protocol: TCP}
{{- end -}}

{{/* What an ingester needs beyond its own port. */}}
{{- define "tributary.egress" -}}
{{- $policy := .Values.networkPolicy -}}
# Names.
{{ toYaml $policy.dns }}
# The other ingesters.
- to:
    - podSelector:
        matchLabels: {tributary.dev/query: "true"}
  ports:
    - {port: 3200, protocol: TCP}
# The store, and where clouds change tokens for credentials: all of it is HTTPS.
{{ toYaml $policy.store }}
{{- with $policy.credentials }}
# Where clouds give credentials to pods, on the node: EKS Pod Identity and GKE. Leave your own.
{{ toYaml . }}
{{- end }}
{{- end -}}
