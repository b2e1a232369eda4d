using System.Diagnostics;
using System.Net.WebSockets;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace TorchZoo.Tests.Reports;

/// <summary>A Chromium without a window, over its DevTools protocol.</summary>
internal sealed class Browser : IDisposable
{
    private static readonly string[] Programs = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly DirectoryInfo _profile = Directory.CreateTempSubdirectory("torchzoo-browser-");
    private readonly Process _process;
    private readonly ClientWebSocket _socket = new();
    private readonly CancellationTokenSource _end = new(Patience);
    private readonly List<string> _requests = [];
    private string? _session;
    private int _id;

    private Browser(string program)
    {
        var start = new ProcessStartInfo(program, ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
            "--remote-debugging-port=0", $"--user-data-dir={_profile.FullName}", "about:blank"])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        _process = Process.Start(start)!;
        // A full pipe would stop it.
        _process.OutputDataReceived += (_, _) => { };
        _process.ErrorDataReceived += (_, _) => { };
        _process.BeginErrorReadLine();
        _process.BeginOutputReadLine();
        _socket.ConnectAsync(Address(), _end.Token).GetAwaiter().GetResult();
        var target = Send("Target.createTarget", new { url = "about:blank" })["targetId"]!.GetValue<string>();
        _session = Send("Target.attachToTarget", new { targetId = target, flatten = true })["sessionId"]!.GetValue<string>();
        Send("Network.enable", new { });
        Send("Page.enable", new { });
    }

    /// <summary>Addresses that pages asked for.</summary>
    public IReadOnlyList<string> Requests => _requests;

    /// <summary>Starts it; null where there is none.</summary>
    public static Browser? TryStart() =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).SelectMany(d => Programs.Select(p => Path.Combine(d, p)))
            .FirstOrDefault(File.Exists) is { } program ? new Browser(program) : null;

    /// <summary>Shows a page.</summary>
    /// <param name="path">The page's file.</param>
    /// <param name="width">Width of the screen in CSS pixels.</param>
    /// <param name="height">Its height.</param>
    /// <param name="isDark">Whether its user wants dark pages.</param>
    public void Show(string path, int width, int height, bool isDark)
    {
        Send("Emulation.setDeviceMetricsOverride", new { width, height, deviceScaleFactor = 1, mobile = width < 600 });
        Send("Emulation.setEmulatedMedia", new { features = new[] { new { name = "prefers-color-scheme", value = isDark ? "dark" : "light" } } });
        Send("Page.navigate", new { url = new Uri(path).AbsoluteUri });
        var clock = Stopwatch.StartNew();
        while (Evaluate<bool>("document.readyState !== 'complete' || location.protocol !== 'file:' || [...document.images].some(i => !i.complete)"))
        {
            if (clock.Elapsed > Patience) throw new TimeoutException($"{path} is not shown after {Patience}");
            Thread.Sleep(20);
        }
        Send("Runtime.evaluate", new { expression = "document.fonts.ready", awaitPromise = true });
    }

    /// <summary>The value of a JavaScript expression.</summary>
    public T Evaluate<T>(string expression)
    {
        var result = Send("Runtime.evaluate", new { expression, returnByValue = true });
        if (result["exceptionDetails"] is { } failure) throw new InvalidOperationException(failure.ToJsonString());
        return result["result"]!["value"].Deserialize<T>()!;
    }

    /// <summary>The screen as PNG.</summary>
    /// <param name="isWhole">All of the page instead.</param>
    public byte[] Screenshot(bool isWhole = false) =>
        Convert.FromBase64String(Send("Page.captureScreenshot", new { format = "png", captureBeyondViewport = isWhole })["data"]!.GetValue<string>());

    public void Dispose()
    {
        try
        {
            _session = null;
            if (_socket.State == WebSocketState.Open) Send("Browser.close", new { });
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException or InvalidOperationException)
        {
            // It may close the line before it answers.
        }
        if (!_process.WaitForExit(TimeSpan.FromSeconds(10)))
        {
            _process.Kill(entireProcessTree: true);
            _process.WaitForExit();
        }
        _process.Dispose();
        _socket.Dispose();
        _end.Dispose();
        // What it started may still hold files of the profile.
        for (var i = 0; i < 50 && _profile.Exists; i++)
        {
            try { _profile.Delete(recursive: true); }
            catch (IOException) { Thread.Sleep(100); }
            _profile.Refresh();
        }
    }

    private Uri Address()
    {
        var file = Path.Combine(_profile.FullName, "DevToolsActivePort");
        var clock = Stopwatch.StartNew();
        while (true)
        {
            if (File.Exists(file) && File.ReadAllLines(file) is [var port, var path, ..]) return new Uri($"ws://127.0.0.1:{port}{path}");
            if (clock.Elapsed > Patience || _process.HasExited) throw new TimeoutException("Chromium did not start");
            Thread.Sleep(20);
        }
    }

    private JsonNode Send(string method, object parameters)
    {
        var id = ++_id;
        var message = new JsonObject { ["id"] = id, ["method"] = method, ["params"] = JsonSerializer.SerializeToNode(parameters) };
        if (_session is not null) message["sessionId"] = _session;
        _socket.SendAsync(JsonSerializer.SerializeToUtf8Bytes(message), WebSocketMessageType.Text, true, _end.Token).GetAwaiter().GetResult();
        while (true)
        {
            var answer = Receive();
            if (answer["method"]?.GetValue<string>() == "Network.requestWillBeSent")
                _requests.Add(answer["params"]!["request"]!["url"]!.GetValue<string>());
            if (answer["id"]?.GetValue<int>() != id) continue;
            return answer["error"] is { } error ? throw new InvalidOperationException($"{method}: {error.ToJsonString()}") : answer["result"]!;
        }
    }

    private JsonNode Receive()
    {
        using var text = new MemoryStream();
        var buffer = new byte[64 * 1024];
        while (true)
        {
            var part = _socket.ReceiveAsync(buffer, _end.Token).GetAwaiter().GetResult();
            if (part.MessageType == WebSocketMessageType.Close) throw new WebSocketException("Chromium closed the line");
            text.Write(buffer, 0, part.Count);
            if (part.EndOfMessage) return JsonNode.Parse(text.ToArray())!;
        }
    }
}
