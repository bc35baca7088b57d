{{- define "fraiseql-auth-operator.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* The release's name where it holds the chart's, else both. */}}
{{- define "fraiseql-auth-operator.fullname" -}}
{{- $name := include "fraiseql-auth-operator.name" . }}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 55 | trimSuffix "-" }}
{{- else if contains $name .Release.Name }}
{{- .Release.Name | trunc 55 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 55 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* A release may begin with a digit and hold dots, and what is named by it may as well; a Service may not. */}}
{{- define "fraiseql-auth-operator.metricsServiceName" -}}
{{- $name := include "fraiseql-auth-operator.fullname" . | replace "." "-" }}
{{- if regexMatch "^[a-z]" $name }}
{{- printf "%s-metrics" $name }}
{{- else }}
{{- printf "metrics-%s" $name }}
{{- end }}
{{- end }}

{{- define "fraiseql-auth-operator.selectorLabels" -}}
app.kubernetes.io/name: {{ include "fraiseql-auth-operator.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{- define "fraiseql-auth-operator.labels" -}}
{{ include "fraiseql-auth-operator.selectorLabels" . }}
app.kubernetes.io/part-of: fraiseql-auth
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "fraiseql-auth-operator.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "fraiseql-auth-operator.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- required "serviceAccount.name is needed when serviceAccount.create is false: name the account to use" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "fraiseql-auth-operator.image" -}}
{{- if .Values.image.digest }}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) }}
{{- end }}
{{- end }}
