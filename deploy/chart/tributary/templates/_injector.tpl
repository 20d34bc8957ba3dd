{{/* Where ingesters are, as sidecars are told. The dot at the end spares look-ups of search domains. */}}
{{- define "tributary.upstream" -}}
{{ if .Values.tls.enabled }}https://{{ end }}tributary-wire.{{ .Release.Namespace }}.svc.{{ .Values.clusterDomain }}.:4319
{{- end -}}
