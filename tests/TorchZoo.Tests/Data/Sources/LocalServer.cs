using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace TorchZoo.Tests.Data.Sources;

/// <summary>A web server on this machine for one test, which can also misbehave: the test writes the bytes of its answers.</summary>
internal sealed class LocalServer : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _end = new();
    private readonly Task _work;

    /// <param name="answer">Writes what a request for a path (without the leading slash) is answered with; then the connection
    /// ends.</param>
    public LocalServer(Func<string, Stream, CancellationToken, Task> answer)
    {
        _listener.Start();
        _work = Serve(answer);
    }

    public Uri Address => new($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/");

    /// <summary>Paths that were asked for, in order.</summary>
    public ConcurrentQueue<string> Requests { get; } = [];

    public static byte[] Head(string status, long? length) => Encoding.ASCII.GetBytes(
        $"HTTP/1.1 {status}\r\n{(length is null ? "" : $"Content-Length: {length}\r\n")}Connection: close\r\n\r\n");

    public void Dispose()
    {
        _end.Cancel();
        _listener.Stop();
        try { _work.Wait(); }
        catch (AggregateException) { } // the listener was stopped while it waited
        _end.Dispose();
    }

    private async Task Serve(Func<string, Stream, CancellationToken, Task> answer)
    {
        while (!_end.IsCancellationRequested)
        {
            using var client = await _listener.AcceptTcpClientAsync(_end.Token);
            try
            {
                using var stream = client.GetStream();
                using var reader = new StreamReader(stream, Encoding.ASCII, leaveOpen: true);
                var path = (await reader.ReadLineAsync(_end.Token))!.Split(' ')[1].TrimStart('/');
                while (await reader.ReadLineAsync(_end.Token) is { Length: > 0 }) { }
                Requests.Enqueue(path);
                await answer(path, stream, _end.Token);
            }
            catch (IOException) { } // the client has hung up
        }
    }
}
