# Stand-in for Windows' CimCmdlets that knows one class, Win32_Service: a service is a file.
Set-StrictMode -Version 2

function Get-CimInstance {
    param([string]$ClassName, [string]$Filter)
    if ($ClassName -ne 'Win32_Service') { throw "Invalid class $ClassName" }
    $file = 'C:\service-' + ($Filter -replace "^Name='(.*)'$", '$1') + '.json'
    if ([IO.File]::Exists($file)) { ConvertFrom-Json -InputObject ([IO.File]::ReadAllText($file)) }
}
function Invoke-CimMethod {
    param([string]$ClassName, $InputObject, [string]$MethodName, [Collections.IDictionary]$Arguments = @{})
    if ($MethodName -eq 'Create') {
        $InputObject = [pscustomobject]@{ Name = $Arguments.Name; State = 'Stopped'; StartMode = 'Auto'; PathName = ''; DisplayName = ''; StartName = 'LocalSystem' }
    }
    $file = "C:\service-$($InputObject.Name).json"
    foreach ($name in @('PathName', 'DisplayName', 'StartName')) {
        if ($Arguments.Contains($name)) { $InputObject.$name = $Arguments[$name] }
    }
    if ($Arguments.Contains('StartMode')) { $InputObject.StartMode = $Arguments['StartMode'] -replace 'Automatic', 'Auto' }
    if ($MethodName -eq 'StartService') { $InputObject.State = 'Running' }
    if ($MethodName -eq 'StopService') { $InputObject.State = 'Stopped' }
    if ($MethodName -eq 'Delete') { [IO.File]::Delete($file) }
    else { [IO.File]::WriteAllText($file, (ConvertTo-Json -InputObject $InputObject)) }
    [pscustomobject]@{ ReturnValue = 0 }
}
