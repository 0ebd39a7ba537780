# Writes each binding of a parameter to the file that TRACE names, as Trace-Command would.
$flags = [Reflection.BindingFlags]'NonPublic,Public,Static,Instance'
# The tracer is there as soon as one parameter was bound.
& { param($Warm) } 1
$catalog = [psobject].Assembly.GetType('System.Management.Automation.PSTraceSource').GetProperty('TraceCatalog', $flags).GetValue($null)
$tracer = $catalog['ParameterBinding']
$options = $tracer.GetType().GetProperty('Options', $flags)
$listener = New-Object -TypeName Diagnostics.TextWriterTraceListener -ArgumentList $env:TRACE
$null = $tracer.GetType().GetProperty('Listeners', $flags).GetValue($tracer).Add($listener)
$options.SetValue($tracer, [Enum]::Parse($options.PropertyType, 'All'))
[Diagnostics.Trace]::AutoFlush = $true
Remove-Variable -Name flags, catalog, tracer, options, listener
