{{/* Where ingesters are, as sidecars are told. The dot at the end spares look-ups of search domains. */}}
{{- define "tributary.upstream" -}}
{{ if .Values.tls.enabled }}https://{{ end }}tributary-wire.{{ .Release.Namespace }}.svc.{{ .Values.clusterDomain }}.:4319
{{- end -}}

{{/* What would fail later, in pods of others. */}}
{{- define "tributary.injectorChecks" -}}
{{- if and .Values.tls.enabled (not .Values.injector.ca) }}
{{- fail "injector.ca is empty: sidecars are to know who signs the ingesters' certificates, --set-file injector.ca=ca.crt" }}
{{- end }}
{{- end -}}

{{/* Whether there is a webhook. */}}
{{- define "tributary.hasWebhook" -}}
{{- if and .Values.injector.enabled (eq .Values.injector.by "webhook") }}yes{{ end -}}
{{- end -}}

{{/* The platform team's page for the webhook: what is chosen, over what follows from other values. */}}
{{- define "tributary.injectorContext" -}}
{{- $settings := dict "upstream" (include "tributary.upstream" .) -}}
{{- if .Values.tls.enabled -}}
{{- $_ := set $settings "upstream-tls-ca" (.Values.injector.ca | trim) -}}
{{- end -}}
{{- $derived := dict "image" .Values.injector.image "namespace" .Release.Namespace "settings" $settings "identity" (ternary "token" "none" .Values.identity.enabled) -}}
{{- toYaml (mergeOverwrite $derived (deepCopy .Values.injector.webhook.context)) -}}
{{- end -}}

{{/* Namespaces that no pod is taken from: the cluster's and Tributary's own. */}}
{{- define "tributary.otherNamespaces" -}}
- key: kubernetes.io/metadata.name
  operator: NotIn
  values: [kube-node-lease, kube-public, kube-system, {{ .Release.Namespace }}]
{{- end -}}
